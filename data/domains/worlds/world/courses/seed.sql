INSERT INTO students
SELECT draw('student base', 20, 89) * 1000 + n * 17 + draw('student' || n, 0, 16),
       word('courses_student', n), pick('courses_program', 'program' || n), draw('year' || n, 1, 4)
FROM (SELECT n FROM numbers LIMIT 20)
WHERE n < draw('students', 11, 14);

-- Three levels in each department, one or two courses a level.
WITH departments(department, prefix) AS (
  VALUES ('biology', 'BIO'), ('computing', 'CMP'), ('economics', 'ECO'),
         ('history', 'HIS'), ('mathematics', 'MAT'), ('music', 'MUS')
), levels(position, level) AS (
  VALUES (0, 'introductory'), (1, 'intermediate'), (2, 'advanced'), (3, 'introductory')
)
INSERT INTO courses
SELECT prefix || '-' || (CASE position WHEN 3 THEN 150 ELSE 100 + position * 100 END + draw('code' || prefix || position, 1, 48)),
       word('courses_title_' || department, position), department, level,
       3 + draw('credits' || prefix || position, 0, 3)
FROM departments, levels
WHERE position < 3 OR draw('second' || prefix, 1, 4) = 1;

-- Most courses of the upper levels require one of the level below, of their own department.
WITH chains(upper, lower) AS (VALUES ('intermediate', 'introductory'), ('advanced', 'intermediate'))
INSERT INTO prerequisites
SELECT above.course_code, MIN(below.course_code)
FROM courses AS above
JOIN chains ON upper = above.level
JOIN courses AS below ON below.department = above.department AND below.level = lower
WHERE draw('required' || above.course_code, 1, 100) <= 80
GROUP BY above.course_code;

INSERT INTO prerequisites
SELECT above.course_code, below.course_code
FROM courses AS above, courses AS below
WHERE above.department IN ('computing', 'economics') AND above.level = 'advanced'
  AND below.department = 'mathematics' AND below.level = 'introductory'
  AND below.course_code = (SELECT MIN(course_code) FROM courses WHERE department = 'mathematics');

WITH offered AS (
  SELECT course_code, n, row_number() OVER (ORDER BY course_code, n) - 1 AS position
  FROM courses, (SELECT n FROM numbers LIMIT 8) AS numbers
  WHERE n < max(1, draw('sections of' || course_code, -1, 3))
), timed AS (
  SELECT *, draw('weekday' || course_code, 0, 4) + n * 2 AS weekday_number,
         draw('seats left' || position, -4, 9) AS drawn_left
  FROM offered
)
INSERT INTO sections
SELECT draw('section base', 2, 9) * 1000 + position * 9 + draw('section' || position, 0, 8),
       course_code, word('courses_teacher', position % 22),
       CASE weekday_number % 5 WHEN 0 THEN 'Monday' WHEN 1 THEN 'Tuesday' WHEN 2 THEN 'Wednesday'
            WHEN 3 THEN 'Thursday' ELSE 'Friday' END,
       printf('%02d:%02d', 8 + draw('hour' || position, 0, 9), 30 * draw('half' || position, 0, 1)),
       pick('courses_building', 'building' || position) || ' ' || draw('room' || position, 101, 418),
       2 * draw('seats' || position, 9, 20), max(0, drawn_left)
FROM timed
WHERE position < 31;

-- Up to three sections a student, of different courses.
WITH ranked AS (
  SELECT section_id, row_number() OVER (ORDER BY section_id) - 1 AS place, COUNT(*) OVER () AS total FROM sections
), numbered AS (
  SELECT student_id, row_number() OVER (ORDER BY student_id) - 1 AS place FROM students
), chosen AS (
  SELECT student_id, section_id, row_number() OVER (ORDER BY student_id, numbers.n) - 1 AS position
  FROM numbered
  JOIN (SELECT n FROM numbers LIMIT 8) AS numbers ON numbers.n < max(1, draw('enrolled in' || numbered.place, 0, 3))
  JOIN ranked ON ranked.place = (draw('first section' || numbered.place, 0, 99) + numbers.n * 7) % total
)
INSERT INTO enrollments
SELECT draw('enrollment base', 30, 89) * 1000 + position * 23 + draw('enrollment' || position, 0, 22),
       student_id, section_id,
       CASE WHEN draw('state' || position, 1, 100) <= 10 THEN 'dropped'
            WHEN draw('state' || position, 1, 100) <= 28 THEN 'graded' ELSE 'enrolled' END, 0
FROM chosen;

-- What students passed or failed before: introductory and intermediate courses, none that they are in now.
WITH candidates AS (
  SELECT student_id, course_code, row_number() OVER (ORDER BY student_id, course_code) - 1 AS position
  FROM students, courses
  WHERE level <> 'advanced' AND draw('taken' || student_id || course_code, 1, 100) <= 14
    AND NOT EXISTS (SELECT 1 FROM enrollments JOIN sections USING (section_id)
                    WHERE enrollments.student_id = students.student_id AND sections.course_code = courses.course_code)
)
INSERT INTO grades
SELECT position + 1, student_id, course_code,
       CASE WHEN draw('failed' || position, 1, 8) = 1 THEN draw('points' || position, 22, 49)
            ELSE draw('points' || position, 51, 98) END,
       day(-draw('graded' || position, 40, 700))
FROM candidates
WHERE position < 22;

INSERT INTO grades
SELECT (SELECT MAX(grade_id) FROM grades) + row_number() OVER (ORDER BY enrollment_id), student_id, course_code,
       draw('graded with' || enrollment_id, 38, 99), day(-draw('graded on' || enrollment_id, 1, 12))
FROM enrollments JOIN sections USING (section_id)
WHERE status = 'graded';

WITH full_sections AS (
  SELECT section_id, row_number() OVER (ORDER BY section_id) - 1 AS place FROM sections WHERE seats_left = 0
), numbered AS (
  SELECT student_id, row_number() OVER (ORDER BY student_id) - 1 AS place, COUNT(*) OVER () AS total FROM students
), waiting AS (
  SELECT student_id, section_id, row_number() OVER (ORDER BY section_id, n) - 1 AS position
  FROM full_sections
  JOIN (SELECT n FROM numbers LIMIT 8) AS numbers ON n < draw('waiting' || full_sections.place, 0, 3)
  JOIN numbered ON numbered.place = (draw('waits' || full_sections.place, 0, 99) + n * 4) % total
)
INSERT INTO waitlist
SELECT draw('waitlist base', 10, 89) * 100 + position * 3 + draw('entry' || position, 0, 2),
       student_id, section_id, day(-40 + position * 2 + draw('joined' || position, 0, 1))
FROM waiting
WHERE position < 14 AND NOT EXISTS (
  SELECT 1 FROM enrollments
  WHERE enrollments.student_id = waiting.student_id AND enrollments.section_id = waiting.section_id
);

WITH purposes(k, purpose, low, high, unit) AS (
  VALUES (0, 'Tuition', 24, 84, 50), (1, 'Tuition', 24, 84, 50), (2, 'Tuition', 24, 84, 50), (3, 'Lab fee', 4, 18, 10),
         (4, 'Library fine', 2, 24, 1), (5, 'Late registration fee', 5, 12, 10), (6, 'Parking permit', 12, 40, 5),
         (7, 'Studio fee', 6, 20, 10), (8, 'ID card replacement', 3, 6, 5), (9, 'Exam fee', 4, 12, 10)
), numbered AS (
  SELECT student_id, row_number() OVER (ORDER BY student_id) - 1 AS place FROM students
)
INSERT INTO charges
SELECT draw('charge base', 40, 95) * 100 + n * 5 + draw('charge' || n, 0, 4), student_id,
       purpose, 1.0 * unit * draw('amount' || n, low, high),
       day(draw('due' || n, -25, 45)),
       CASE WHEN purpose = 'Tuition' AND draw('split' || n, 1, 7) = 1 THEN draw('installments' || n, 2, 6) ELSE 1 END,
       CASE WHEN draw('settled' || n, 1, 100) <= 25 THEN 'paid' ELSE 'open' END
FROM numbers
JOIN numbered ON place = draw('charged to' || n, 0, 10)
JOIN purposes ON k = max(0, draw('purpose' || n, -3, 9))
WHERE n < draw('charges', 14, 18);
