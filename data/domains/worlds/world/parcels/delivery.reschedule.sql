/*
effect: write
takes: {tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status <> 'delivered' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is delivered already.
- holds: (SELECT status <> 'canceled' FROM shipments WHERE tracking_number = :tracking_number)
  error: The shipment is canceled.
- holds: (SELECT status <> 'out_for_delivery' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is out for delivery.
*/
UPDATE shipments
SET deliver_on = :day, time_window = COALESCE(:window, time_window)
WHERE tracking_number = :tracking_number;
SELECT tracking_number, recipient, deliver_on, time_window FROM shipments WHERE tracking_number = :tracking_number;
