CREATE TABLE customers (
  customer_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL
) STRICT;

CREATE TABLE depots (
  depot_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  city TEXT NOT NULL,
  closes_at TEXT NOT NULL,
  lockers_free INTEGER NOT NULL
) STRICT;

CREATE TABLE couriers (
  courier_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  depot_id INTEGER NOT NULL,
  vehicle TEXT NOT NULL,
  is_on_duty INTEGER NOT NULL,
  parcels_today INTEGER NOT NULL
) STRICT;

-- status: registered, at_depot, out_for_delivery, delivered, canceled
CREATE TABLE shipments (
  tracking_number TEXT PRIMARY KEY,
  customer_id INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  destination TEXT NOT NULL,
  weight_kg REAL NOT NULL,
  service TEXT NOT NULL,
  price REAL NOT NULL,
  insured_for INTEGER NOT NULL,
  has_label INTEGER NOT NULL,
  status TEXT NOT NULL,
  depot_id INTEGER,
  courier_id INTEGER,
  deliver_on TEXT NOT NULL,
  time_window TEXT NOT NULL,
  instructions TEXT
) STRICT;

CREATE TABLE scans (
  scan_id INTEGER PRIMARY KEY,
  tracking_number TEXT NOT NULL,
  day TEXT NOT NULL,
  what TEXT NOT NULL
) STRICT;

CREATE TABLE pickups (
  pickup_id INTEGER PRIMARY KEY,
  tracking_number TEXT NOT NULL,
  day TEXT NOT NULL,
  time_window TEXT NOT NULL,
  is_canceled INTEGER NOT NULL
) STRICT;

-- status: draft, submitted, withdrawn
CREATE TABLE claims (
  claim_id INTEGER PRIMARY KEY,
  tracking_number TEXT NOT NULL,
  kind TEXT NOT NULL,
  amount REAL NOT NULL,
  status TEXT NOT NULL,
  opened_on TEXT NOT NULL
) STRICT;

CREATE TABLE evidence (
  evidence_id INTEGER PRIMARY KEY,
  claim_id INTEGER NOT NULL,
  kind TEXT NOT NULL
) STRICT;
