-- SQL, because the dates are relative to today: one of these loans is overdue whenever you seed.
-- Idempotent by the unique book: a second run writes nothing. No ids, so the sequence counts by itself.
insert into loans (book_id, borrower_id, loaned_on, due_on)
select book_id, borrower_id, current_date - days_ago, current_date - days_ago + 21
from (values (2, 1, 30), (5, 2, 3)) as loan (book_id, borrower_id, days_ago)
where not exists (select from loans where loans.book_id = loan.book_id);
