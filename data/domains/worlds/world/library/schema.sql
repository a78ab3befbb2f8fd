CREATE TABLE branches (
  name TEXT PRIMARY KEY,
  closes_at TEXT NOT NULL
) STRICT;

CREATE TABLE members (
  card_number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  home_branch TEXT NOT NULL,
  joined_on TEXT NOT NULL,
  valid_until TEXT NOT NULL
) STRICT;

CREATE TABLE books (
  book_id INTEGER PRIMARY KEY,
  title TEXT NOT NULL UNIQUE,
  author TEXT NOT NULL,
  genre TEXT NOT NULL,
  pages INTEGER NOT NULL,
  published INTEGER NOT NULL
) STRICT;

-- format: hardcover, paperback, large print, audiobook; condition: good, in repair, lost
CREATE TABLE copies (
  copy_id INTEGER PRIMARY KEY,
  book_id INTEGER NOT NULL,
  branch TEXT NOT NULL,
  format TEXT NOT NULL,
  condition TEXT NOT NULL,
  damage TEXT
) STRICT;

CREATE TABLE loans (
  loan_id INTEGER PRIMARY KEY,
  copy_id INTEGER NOT NULL,
  card_number INTEGER NOT NULL,
  borrowed_on TEXT NOT NULL,
  due_on TEXT NOT NULL,
  renewals INTEGER NOT NULL,
  returned_on TEXT
) STRICT;

-- status: waiting, frozen
CREATE TABLE holds (
  hold_id INTEGER PRIMARY KEY,
  book_id INTEGER NOT NULL,
  card_number INTEGER NOT NULL,
  branch TEXT NOT NULL,
  placed_on TEXT NOT NULL,
  status TEXT NOT NULL,
  frozen_until TEXT,
  UNIQUE (book_id, card_number)
) STRICT;

-- amount in US dollars; settled_by: cash, card, online, waived; NULL while it is open
CREATE TABLE fines (
  fine_id INTEGER PRIMARY KEY,
  card_number INTEGER NOT NULL,
  reason TEXT NOT NULL,
  title TEXT,
  amount REAL NOT NULL,
  issued_on TEXT NOT NULL,
  settled_by TEXT
) STRICT;

CREATE TABLE payments (
  payment_id INTEGER PRIMARY KEY,
  card_number INTEGER NOT NULL,
  amount REAL NOT NULL,
  method TEXT NOT NULL,
  paid_on TEXT NOT NULL
) STRICT;
