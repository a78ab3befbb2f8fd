/*
effect: write
takes: {invoice_id: invoice}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM invoices WHERE invoice_id = :invoice_id)
  error: There is no invoice with this number.
- holds: (SELECT paid_by IS NULL FROM invoices WHERE invoice_id = :invoice_id)
  error: The invoice is paid already.
*/
UPDATE invoices SET paid_by = COALESCE(:method, 'card') WHERE invoice_id = :invoice_id;
SELECT invoice_id, amount, paid_by FROM invoices WHERE invoice_id = :invoice_id;
