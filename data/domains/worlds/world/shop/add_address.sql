/*
effect: write
takes: {email: customer}
gives: {address_id: address}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM customers WHERE email = :email)
  error: There is no customer with this email address.
- holds: NOT EXISTS (SELECT 1 FROM addresses WHERE email = :email AND label = COALESCE(:label, 'home'))
  error: The customer has an address with this label.
*/
INSERT INTO addresses (email, label, street, city, is_default)
SELECT :email, COALESCE(:label, 'home'), :street, :city, NOT EXISTS (SELECT 1 FROM addresses WHERE email = :email);
SELECT address_id, label, street, city, is_default FROM addresses WHERE address_id = last_insert_rowid();
