"""The tables of `migrations/`, which is where they are changed: nothing here creates or alters one."""

from datetime import date

from sqlalchemy import BigInteger, Column, FetchedValue, ForeignKey, SmallInteger, Table, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    type_annotation_map = {int: BigInteger, str: Text}


book_authors = Table(
    "book_authors",
    Base.metadata,
    Column("book_id", ForeignKey("books.id"), primary_key=True),
    Column("author_id", ForeignKey("authors.id"), primary_key=True),
)


class Author(Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship(
        secondary=book_authors, back_populates="authors", order_by="Book.id"
    )


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(index=True)
    published_date: Mapped[date | None]
    authors: Mapped[list[Author]] = relationship(
        secondary=book_authors, back_populates="books", order_by=Author.id
    )
    loan: Mapped["Loan | None"] = relationship(
        back_populates="book", cascade="all, delete-orphan", passive_deletes=True
    )
    reviews: Mapped[list["Review"]] = relationship(
        back_populates="book", cascade="all, delete-orphan", passive_deletes=True, order_by="Review.id"
    )


class Borrower(Base):
    __tablename__ = "borrowers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    loans: Mapped[list["Loan"]] = relationship(back_populates="borrower")
    reviews: Mapped[list["Review"]] = relationship(back_populates="borrower")


class Loan(Base):
    """Exists while its book is out: a book has one at most."""

    __tablename__ = "loans"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"), unique=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrowers.id"), index=True)
    # The database fills these in: today, and three weeks from today.
    loaned_on: Mapped[date] = mapped_column(server_default=FetchedValue())
    due_on: Mapped[date] = mapped_column(server_default=FetchedValue(), index=True)
    book: Mapped[Book] = relationship(back_populates="loan")
    borrower: Mapped[Borrower] = relationship(back_populates="loans")


class Review(Base):
    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"), index=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("borrowers.id"), index=True)
    rating: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str | None]
    review_date: Mapped[date] = mapped_column(server_default=FetchedValue())
    book: Mapped[Book] = relationship(back_populates="reviews")
    borrower: Mapped[Borrower] = relationship(back_populates="reviews")
