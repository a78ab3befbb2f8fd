/*
effect: write
takes: {tracking_number: parcel}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM shipments WHERE tracking_number = :tracking_number)
  error: There is no parcel with this tracking number.
- holds: (SELECT status = 'registered' FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel is not waiting to be sent.
- holds: (SELECT has_label = 0 FROM shipments WHERE tracking_number = :tracking_number)
  error: The parcel has a label already.
*/
UPDATE shipments SET has_label = 1 WHERE tracking_number = :tracking_number;
SELECT tracking_number, recipient, destination, COALESCE(:format, 'pdf') AS format,
       lower(tracking_number) || '.' || COALESCE(:format, 'pdf') AS file
FROM shipments
WHERE tracking_number = :tracking_number;
