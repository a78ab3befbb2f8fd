/*
takes: {email: customer}
gives: {address_id: address}
returns: addresses
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
*/
SELECT address_id, label, street, city, is_default
FROM addresses
WHERE email = :email
ORDER BY address_id
LIMIT 20;
