"""What goes in and out as JSON. The tables are in `models.py`."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from .fields import Comment, Day, Id, Ids, Name, Rating, Title


class NewAuthor(BaseModel):
    name: Name


class NewBook(BaseModel):
    title: Title
    published_date: Day | None = None
    author_ids: Ids | None = None


class NewLoan(BaseModel):
    book_id: Id
    borrower_id: Id


class NewReview(BaseModel):
    borrower_id: Id
    rating: Rating
    comment: Comment | None = None


class Row(BaseModel):
    """Read from an object of `models.py`."""

    model_config = ConfigDict(from_attributes=True)

    id: int


class AuthorOut(Row):
    name: str


class BookOut(Row):
    title: str
    published_date: date | None


class LoanOut(Row):
    book_id: int
    borrower_id: int
    loaned_on: date
    due_on: date


class ReviewOut(Row):
    book_id: int
    borrower_id: int
    rating: int
    comment: str | None
    review_date: date


class AuthorDetail(AuthorOut):
    books: list[BookOut]


class BookDetail(BookOut):
    authors: list[AuthorOut]
    reviews: list[ReviewOut]


class ReviewList(BaseModel):
    reviews: list[ReviewOut]


class AuthorPage(BaseModel):
    authors: list[AuthorOut]
    next: int | None = Field(description="`after` of the next page, if there is one")


class BookPage(BaseModel):
    books: list[BookOut]
    next: int | None = Field(description="`after` of the next page, if there is one")


class Health(BaseModel):
    status: str
    postgres: int
