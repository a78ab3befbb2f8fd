CREATE TABLE clients (
  client_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  contact TEXT NOT NULL,
  city TEXT
) STRICT;

-- status: active, archived
CREATE TABLE projects (
  project_id TEXT PRIMARY KEY,
  title TEXT NOT NULL UNIQUE,
  client_id INTEGER NOT NULL,
  deadline TEXT,
  budget INTEGER,
  status TEXT NOT NULL
) STRICT;

-- status: draft, approved; subject: what the picture shows, NULL for what was generated from a prompt
CREATE TABLE assets (
  asset_id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL,
  title TEXT NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  size_mb REAL NOT NULL,
  has_background INTEGER NOT NULL,
  is_ai_generated INTEGER NOT NULL,
  status TEXT NOT NULL,
  created_on TEXT NOT NULL
) STRICT;

CREATE TABLE versions (
  version_id INTEGER PRIMARY KEY,
  asset_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  note TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  size_mb REAL NOT NULL,
  created_on TEXT NOT NULL,
  UNIQUE (asset_id, number)
) STRICT;

CREATE TABLE comments (
  comment_id INTEGER PRIMARY KEY,
  asset_id TEXT NOT NULL,
  author TEXT NOT NULL,
  text TEXT NOT NULL,
  posted_on TEXT NOT NULL,
  is_resolved INTEGER NOT NULL
) STRICT;

CREATE TABLE boards (
  board_id INTEGER PRIMARY KEY,
  project_id TEXT NOT NULL,
  title TEXT NOT NULL,
  shared_with INTEGER
) STRICT;

CREATE TABLE pins (
  board_id INTEGER NOT NULL,
  asset_id TEXT NOT NULL,
  PRIMARY KEY (board_id, asset_id)
) STRICT;

CREATE TABLE exports (
  export_id INTEGER PRIMARY KEY,
  asset_id TEXT NOT NULL,
  format TEXT NOT NULL,
  width INTEGER NOT NULL,
  height INTEGER NOT NULL,
  created_on TEXT NOT NULL,
  sent_to INTEGER
) STRICT;
