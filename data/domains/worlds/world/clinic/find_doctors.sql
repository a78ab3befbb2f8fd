/*
gives: {doctor_id: doctor}
returns: doctors
*/
SELECT doctor_id, name, specialty, room, fee, needs_referral = 1 AS is_referral_needed
FROM doctors
WHERE specialty = :specialty AND (:max_fee IS NULL OR fee <= :max_fee)
ORDER BY fee, doctor_id
LIMIT 20;
