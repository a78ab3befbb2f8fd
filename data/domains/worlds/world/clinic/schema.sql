CREATE TABLE patients (
  patient_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  born_on TEXT NOT NULL,
  phone TEXT NOT NULL,
  insurer TEXT
) STRICT;

CREATE TABLE doctors (
  doctor_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  specialty TEXT NOT NULL,
  room TEXT NOT NULL,
  fee INTEGER NOT NULL,
  needs_referral INTEGER NOT NULL
) STRICT;

CREATE TABLE slots (
  slot_id INTEGER PRIMARY KEY,
  doctor_id INTEGER NOT NULL,
  day TEXT NOT NULL,
  time TEXT NOT NULL,
  minutes INTEGER NOT NULL
) STRICT;

-- status: booked, confirmed, checked in, canceled
CREATE TABLE appointments (
  appointment_id INTEGER PRIMARY KEY,
  patient_id INTEGER NOT NULL,
  slot_id INTEGER NOT NULL,
  reason TEXT,
  is_video INTEGER NOT NULL,
  status TEXT NOT NULL
) STRICT;

CREATE TABLE referrals (
  referral_id INTEGER PRIMARY KEY,
  patient_id INTEGER NOT NULL,
  specialty TEXT NOT NULL,
  urgency TEXT NOT NULL,
  valid_until TEXT NOT NULL
) STRICT;

CREATE TABLE prescriptions (
  prescription_id INTEGER PRIMARY KEY,
  patient_id INTEGER NOT NULL,
  doctor_id INTEGER NOT NULL,
  medicine TEXT NOT NULL,
  dose_mg INTEGER NOT NULL,
  refills_left INTEGER NOT NULL,
  pharmacy TEXT,
  last_filled_on TEXT
) STRICT;

-- paid_by: card, bank transfer, cash; NULL while it is open
CREATE TABLE invoices (
  invoice_id INTEGER PRIMARY KEY,
  patient_id INTEGER NOT NULL,
  service TEXT NOT NULL,
  amount REAL NOT NULL,
  due_on TEXT NOT NULL,
  paid_by TEXT,
  receipts_sent INTEGER NOT NULL
) STRICT;
