/*
effect: write
takes: {customer_id: sender}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE customer_id = :customer_id)
  error: There is no customer with this number.
*/
UPDATE customers SET email = :email WHERE customer_id = :customer_id;
SELECT customer_id, name, email FROM customers WHERE customer_id = :customer_id;
