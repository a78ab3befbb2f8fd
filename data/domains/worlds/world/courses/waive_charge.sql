/*
effect: write
takes: {charge_id: charge}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM charges WHERE charge_id = :charge_id)
  error: There is no charge with this number.
- holds: (SELECT status = 'open' FROM charges WHERE charge_id = :charge_id)
  error: The charge is not open.
*/
UPDATE charges SET status = 'waived' WHERE charge_id = :charge_id;
SELECT charge_id, purpose, amount, status, :ground AS ground FROM charges WHERE charge_id = :charge_id;
