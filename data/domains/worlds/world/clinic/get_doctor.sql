/*
takes: {name: doctor_name}
gives: {doctor_id: doctor}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM doctors WHERE name = :name)
  error: No doctor of this name works here.
*/
SELECT doctor_id, name, specialty, room, fee, needs_referral = 1 AS is_referral_needed
FROM doctors
WHERE name = :name;
