CREATE TABLE students (
  student_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  program TEXT NOT NULL,
  year INTEGER NOT NULL
) STRICT;

CREATE TABLE courses (
  course_code TEXT PRIMARY KEY,
  title TEXT NOT NULL UNIQUE,
  department TEXT NOT NULL,
  level TEXT NOT NULL,
  credits INTEGER NOT NULL
) STRICT;

CREATE TABLE prerequisites (
  course_code TEXT NOT NULL,
  required_code TEXT NOT NULL,
  PRIMARY KEY (course_code, required_code)
) STRICT;

CREATE TABLE sections (
  section_id INTEGER PRIMARY KEY,
  course_code TEXT NOT NULL,
  teacher TEXT NOT NULL,
  weekday TEXT NOT NULL,
  starts_at TEXT NOT NULL,
  room TEXT NOT NULL,
  seats INTEGER NOT NULL,
  seats_left INTEGER NOT NULL
) STRICT;

-- status: enrolled, graded, dropped
CREATE TABLE enrollments (
  enrollment_id INTEGER PRIMARY KEY,
  student_id INTEGER NOT NULL,
  section_id INTEGER NOT NULL,
  status TEXT NOT NULL,
  has_certificate INTEGER NOT NULL
) STRICT;

CREATE TABLE grades (
  grade_id INTEGER PRIMARY KEY,
  student_id INTEGER NOT NULL,
  course_code TEXT NOT NULL,
  points INTEGER NOT NULL,
  graded_on TEXT NOT NULL
) STRICT;

CREATE TABLE waitlist (
  entry_id INTEGER PRIMARY KEY,
  student_id INTEGER NOT NULL,
  section_id INTEGER NOT NULL,
  joined_on TEXT NOT NULL
) STRICT;

CREATE TABLE waivers (
  waiver_id INTEGER PRIMARY KEY,
  student_id INTEGER NOT NULL,
  section_id INTEGER NOT NULL,
  ground TEXT NOT NULL
) STRICT;

-- status: open, paid, waived
CREATE TABLE charges (
  charge_id INTEGER PRIMARY KEY,
  student_id INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  amount REAL NOT NULL,
  due_on TEXT NOT NULL,
  installments INTEGER NOT NULL,
  status TEXT NOT NULL
) STRICT;

CREATE TABLE transcripts (
  transcript_id INTEGER PRIMARY KEY,
  student_id INTEGER NOT NULL,
  copies INTEGER NOT NULL,
  delivery TEXT NOT NULL,
  ordered_on TEXT NOT NULL
) STRICT;
