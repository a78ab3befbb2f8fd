/*
effect: write
takes: {return_id: return}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM returns WHERE return_id = :return_id)
  error: There is no return with this number.
- holds: (SELECT status <> 'refunded' FROM returns WHERE return_id = :return_id)
  error: The return has been refunded already.
- holds: (SELECT status = 'received' FROM returns WHERE return_id = :return_id)
  error: The return has not been received.
  mended_by: receive_return
*/
UPDATE returns SET status = 'refunded', refunded_by = COALESCE(:method, 'original_payment') WHERE return_id = :return_id;
SELECT return_id, amount, refunded_by, status FROM returns WHERE return_id = :return_id;
