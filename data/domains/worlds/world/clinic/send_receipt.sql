/*
effect: write
takes: {invoice_id: invoice}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM invoices WHERE invoice_id = :invoice_id)
  error: There is no invoice with this number.
- holds: (SELECT paid_by IS NOT NULL FROM invoices WHERE invoice_id = :invoice_id)
  error: The invoice is not paid yet.
  mended_by: pay_invoice
*/
UPDATE invoices SET receipts_sent = receipts_sent + 1 WHERE invoice_id = :invoice_id;
SELECT invoice_id, amount, paid_by, COALESCE(:channel, 'email') AS sent_by
FROM invoices
WHERE invoice_id = :invoice_id;
