/*
effect: write
takes: {address_id: address}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM addresses WHERE address_id = :address_id)
  error: There is no address with this number.
- holds: (SELECT NOT is_default FROM addresses WHERE address_id = :address_id)
  error: The address is the default already.
*/
UPDATE addresses
SET is_default = address_id = :address_id
WHERE email = (SELECT email FROM addresses WHERE address_id = :address_id);
SELECT address_id, label, street, city, is_default FROM addresses WHERE address_id = :address_id;
