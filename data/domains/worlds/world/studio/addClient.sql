/*
effect: write
gives: {clientId: client}
returns: row
requires:
- holds: NOT EXISTS (SELECT 1 FROM clients WHERE name = :name)
  error: There is a client of this name already.
*/
INSERT INTO clients (client_id, name, contact, city)
SELECT MAX(client_id) + 1, :name, :contact, :city FROM clients;
SELECT client_id AS clientId, name, contact FROM clients WHERE client_id = last_insert_rowid();
