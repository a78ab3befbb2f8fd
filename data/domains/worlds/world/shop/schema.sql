CREATE TABLE customers (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL UNIQUE,
  joined_on TEXT NOT NULL,
  points INTEGER NOT NULL CHECK (points >= 0)
) STRICT;

CREATE TABLE products (
  product_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  category TEXT NOT NULL,
  price REAL NOT NULL,
  rating REAL NOT NULL,
  stock INTEGER NOT NULL CHECK (stock >= 0)
) STRICT;

-- label: home, work, parents; one of each a customer, and one of a customer's is the default
CREATE TABLE addresses (
  address_id INTEGER PRIMARY KEY,
  email TEXT NOT NULL,
  label TEXT NOT NULL,
  street TEXT NOT NULL,
  city TEXT NOT NULL,
  is_default INTEGER NOT NULL,
  UNIQUE (email, label)
) STRICT;

CREATE TABLE cart_items (
  cart_item_id INTEGER PRIMARY KEY,
  email TEXT NOT NULL,
  product_id INTEGER NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  UNIQUE (email, product_id)
) STRICT;

-- amounts in US dollars
CREATE TABLE coupons (
  code TEXT PRIMARY KEY,
  amount_off INTEGER NOT NULL,
  min_total INTEGER NOT NULL,
  valid_until TEXT NOT NULL
) STRICT;

CREATE TABLE cart_coupons (
  email TEXT PRIMARY KEY,
  code TEXT NOT NULL
) STRICT;

-- status: placed, shipped, delivered, canceled; shipping: standard, express, overnight
CREATE TABLE orders (
  order_id INTEGER PRIMARY KEY,
  email TEXT NOT NULL,
  placed_on TEXT NOT NULL,
  shipping TEXT NOT NULL,
  status TEXT NOT NULL,
  street TEXT NOT NULL,
  city TEXT NOT NULL,
  total REAL NOT NULL,
  delivered_on TEXT,
  gift_note TEXT,
  cancel_reason TEXT
) STRICT;

CREATE TABLE order_items (
  item_id INTEGER PRIMARY KEY,
  order_id INTEGER NOT NULL,
  product_id INTEGER NOT NULL,
  quantity INTEGER NOT NULL,
  unit_price REAL NOT NULL
) STRICT;

-- status: requested, received, refunded; amount in US dollars
CREATE TABLE returns (
  return_id INTEGER PRIMARY KEY,
  item_id INTEGER NOT NULL UNIQUE,
  quantity INTEGER NOT NULL,
  reason TEXT NOT NULL,
  status TEXT NOT NULL,
  opened_on TEXT NOT NULL,
  amount REAL NOT NULL,
  condition TEXT,
  refunded_by TEXT
) STRICT;
