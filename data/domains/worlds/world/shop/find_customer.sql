/*
takes: {name: customer_name}
gives: {email: customer}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE name = :name)
  error: There is no customer of this name.
*/
SELECT email, name, joined_on, points FROM customers WHERE name = :name;
