/*
effect: write
takes: {tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status <> 'canceled' FROM shipments WHERE tracking_number = :tracking_number)
  error: The shipment is canceled already.
- holds: (SELECT status = 'registered' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is on its way and cannot be canceled.
*/
UPDATE pickups SET is_canceled = 1 WHERE tracking_number = :tracking_number;
UPDATE shipments SET status = 'canceled' WHERE tracking_number = :tracking_number;
SELECT tracking_number, status, price AS refund FROM shipments WHERE tracking_number = :tracking_number;
