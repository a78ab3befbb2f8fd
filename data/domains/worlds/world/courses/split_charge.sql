/*
effect: write
takes: {charge_id: charge}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM charges WHERE charge_id = :charge_id)
  error: There is no charge with this number.
- holds: (SELECT status = 'open' FROM charges WHERE charge_id = :charge_id)
  error: The charge is not open.
- holds: (SELECT amount >= 200 FROM charges WHERE charge_id = :charge_id)
  error: Charges below 200 dollars cannot be split.
- holds: (SELECT installments = 1 FROM charges WHERE charge_id = :charge_id)
  error: The charge is split already.
*/
UPDATE charges
SET installments = :installments, due_on = max(due_on, date(today(), '+30 days'))
WHERE charge_id = :charge_id;
SELECT charge_id, amount, installments, round(amount / installments, 2) AS amount_each, due_on AS first_due_on
FROM charges
WHERE charge_id = :charge_id;
