/*
effect: write
takes: {tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status NOT IN ('delivered', 'canceled') FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel will not be delivered anymore.
*/
UPDATE shipments SET instructions = :instructions WHERE tracking_number = :tracking_number;
SELECT tracking_number, deliver_on, instructions FROM shipments WHERE tracking_number = :tracking_number;
