/*
takes: {name: sender_name}
gives: {customer_id: sender}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE name = :name)
  error: No customer has this name.
*/
SELECT customer_id, name, email FROM customers WHERE name = :name;
