INSERT INTO patients
SELECT draw('patient base', 20, 89) * 100 + n * 5 + draw('patient' || n, 0, 4),
       word('clinic_patient', n),
       day(-draw('born' || n, 1500, 31000)),
       word('clinic_phone', n),
       CASE WHEN draw('insured' || n, 1, 10) <= 9 THEN pick('clinic_insurer', 'insurer' || n) END
FROM numbers
WHERE n < draw('patients', 13, 17);

WITH specialties(k, specialty, low, high, needs_referral) AS (
  VALUES (0, 'general_practice', 9, 15, 0), (1, 'cardiology', 22, 38, 1), (2, 'dermatology', 16, 28, 0),
         (3, 'orthopedics', 18, 32, 1), (4, 'neurology', 24, 40, 1), (5, 'ophthalmology', 14, 26, 0)
)
INSERT INTO doctors
SELECT draw('doctor base', 11, 79) * 10 + n * 4 + draw('doctor' || n, 0, 3),
       word('clinic_doctor', n),
       specialty,
       char(65 + draw('wing' || n, 0, 3)) || (draw('floor' || n, 1, 4) * 100 + n + 1),
       draw('fee' || n, low, high) * 5,
       needs_referral
FROM numbers JOIN specialties ON k = n % 6
WHERE n < draw('doctors', 10, 12);

-- Five slots a doctor, in rising order, none at the weekend; blocks of the day in an order of the doctor's own.
WITH planned AS (
  SELECT doctor_id, n, 1 + n * 3 + draw('slot day' || doctor_id || n, 0, 2) AS ahead,
         480 + (n * 2 + draw('first block' || doctor_id, 0, 4)) % 5 * 120
             + 15 * draw('slot time' || doctor_id || n, 0, 6) AS minute
  FROM doctors, numbers
  WHERE n < 5
), moved AS (
  SELECT *, ahead + CASE strftime('%w', day(ahead)) WHEN '6' THEN 2 WHEN '0' THEN 1 ELSE 0 END AS weekday_ahead
  FROM planned
), numbered AS (
  SELECT *, row_number() OVER (ORDER BY doctor_id, n) - 1 AS position FROM moved
)
INSERT INTO slots
SELECT draw('slot base', 3, 8) * 1000 + position * 11 + draw('slot' || position, 0, 10),
       doctor_id, day(weekday_ahead), printf('%02d:%02d', minute / 60, minute % 60),
       15 * draw('minutes' || position, 1, 3)
FROM numbered;

-- Every doctor keeps the first and the last slot free. Some patients have several appointments, some none.
WITH placed AS (
  SELECT slot_id, row_number() OVER (PARTITION BY doctor_id ORDER BY day, time) AS place FROM slots
), taken AS (
  SELECT slot_id, row_number() OVER (ORDER BY slot_id) - 1 AS position
  FROM placed
  WHERE place BETWEEN 2 AND 4 AND draw('taken' || slot_id, 1, 100) <= 60
), ranked AS (
  SELECT patient_id, row_number() OVER (ORDER BY patient_id) - 1 AS place FROM patients
)
INSERT INTO appointments
SELECT draw('appointment base', 10, 95) * 100 + position * 3 + draw('appointment' || position, 0, 2),
       patient_id, slot_id,
       CASE WHEN draw('reason' || position, 1, 3) <= 2 THEN pick('clinic_reason', 'reason' || position) END,
       draw('video' || position, 1, 10) <= 2,
       CASE WHEN draw('status' || position, 1, 100) <= 50 THEN 'booked'
            WHEN draw('status' || position, 1, 100) <= 88 THEN 'confirmed' ELSE 'canceled' END
FROM taken JOIN ranked ON place = draw('appointment of' || position, 0, 10);

-- One referral a patient and specialty.
WITH ranked AS (
  SELECT patient_id, row_number() OVER (ORDER BY patient_id) - 1 AS place FROM patients
), chosen AS (
  SELECT n, patient_id,
         CASE draw('referred to' || n, 0, 2) WHEN 0 THEN 'cardiology' WHEN 1 THEN 'orthopedics' ELSE 'neurology' END AS specialty
  FROM numbers JOIN ranked ON place = draw('referral of' || n, 0, 10)
  WHERE n < draw('referrals', 9, 13)
), drafts AS (
  SELECT *, row_number() OVER (PARTITION BY patient_id, specialty ORDER BY n) AS copy FROM chosen
)
INSERT INTO referrals
SELECT draw('referral base', 10, 95) * 100 + n * 7 + draw('referral' || n, 0, 6), patient_id, specialty,
       CASE draw('urgency' || n, 0, 3) WHEN 0 THEN 'urgent' ELSE 'routine' END,
       day(draw('valid' || n, 5, 90))
FROM drafts
WHERE copy = 1;

WITH ranked AS (
  SELECT patient_id, row_number() OVER (ORDER BY patient_id) - 1 AS place FROM patients
), treating AS (
  SELECT doctor_id, row_number() OVER (ORDER BY doctor_id) - 1 AS place FROM doctors
)
INSERT INTO prescriptions
SELECT draw('prescription base', 30, 89) * 1000 + n * 13 + draw('prescription' || n, 0, 12),
       patient_id, doctor_id, word('clinic_medicine', n),
       5 * draw('dose' || n, 1, 16), max(0, draw('refills' || n, -2, 5)),
       CASE WHEN draw('has pharmacy' || n, 1, 4) > 1 THEN pick('clinic_pharmacy', 'pharmacy' || n) END,
       CASE WHEN draw('was filled' || n, 1, 4) > 1 THEN day(-draw('filled' || n, 2, 80)) END
FROM numbers
JOIN ranked ON ranked.place = draw('prescription of' || n, 0, 11)
JOIN treating ON treating.place = draw('prescribed by' || n, 0, 9)
WHERE n < draw('prescriptions', 14, 18);

WITH services(k, service, low, high) AS (
  VALUES (0, 'Consultation', 180, 480), (1, 'Follow-up visit', 120, 260), (2, 'Blood panel', 140, 420), (3, 'X-ray', 320, 720),
         (4, 'Ultrasound scan', 480, 980), (5, 'ECG', 200, 520), (6, 'Skin biopsy', 560, 1100), (7, 'Eye test', 160, 360),
         (8, 'Vaccination', 80, 240), (9, 'Physical exam', 300, 640), (10, 'Allergy test', 260, 600), (11, 'Wound care', 140, 340)
), ranked AS (
  SELECT patient_id, row_number() OVER (ORDER BY patient_id) - 1 AS place FROM patients
)
INSERT INTO invoices
SELECT draw('invoice base', 10, 95) * 100 + n * 4 + draw('invoice' || n, 0, 3),
       patient_id, service, draw('amount' || n, low, high) / 4.0,
       day(draw('due' || n, -30, 30)),
       CASE WHEN draw('paid' || n, 1, 100) <= 40
            THEN CASE draw('paid by' || n, 0, 2) WHEN 0 THEN 'card' WHEN 1 THEN 'bank_transfer' ELSE 'cash' END END,
       0
FROM numbers
JOIN ranked ON place = draw('invoice of' || n, 0, 11)
JOIN services ON k = draw('service' || n, 0, 11)
WHERE n < draw('invoices', 15, 20);
