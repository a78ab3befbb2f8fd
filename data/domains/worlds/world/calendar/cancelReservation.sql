/*
effect: write
takes: {reservationId: reservation}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM reservations WHERE reservationId = :reservationId)
  error: There is no reservation with this id.
*/
DELETE FROM reservations WHERE reservationId = :reservationId;
SELECT :reservationId AS reservationId, 'canceled' AS status;
