import type { Context } from 'aws-lambda';
import { startInvocation, withProbe } from '../lambdapg-runtime/index.ts';
import { database, query } from './db.ts';

export interface OverdueLoan {
  readonly loan_id: number;
  readonly title: string;
  readonly borrower: string;
  readonly email: string;
  readonly due_on: string;
  readonly days_overdue: number;
}

/** Runs on a schedule (see lambdapg.json), not by HTTP: what it returns goes to whoever invoked it. */
export const handler = withProbe(listOverdue, database);

async function listOverdue(_event: unknown, context: Context): Promise<{ overdue: OverdueLoan[] }> {
  startInvocation(context);
  const overdue = await query<OverdueLoan>(
    `select loans.id as loan_id, books.title, borrowers.name as borrower, borrowers.email, loans.due_on,
            current_date - loans.due_on as days_overdue
     from loans
     join books on books.id = loans.book_id
     join borrowers on borrowers.id = loans.borrower_id
     where loans.due_on < current_date
     order by loans.due_on, loans.id`,
  );
  console.log(JSON.stringify({ level: 'INFO', message: `${overdue.length} overdue` }));
  return { overdue };
}
