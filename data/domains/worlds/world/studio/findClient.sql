/*
takes: {name: client_name}
gives: {clientId: client}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM clients WHERE name = :name)
  error: No client has this name.
*/
SELECT client_id AS clientId, name, contact, city FROM clients WHERE name = :name;
