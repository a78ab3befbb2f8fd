/*
effect: write
takes: {appointment_id: appointment}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM appointments WHERE appointment_id = :appointment_id)
  error: There is no appointment with this number.
- holds: (SELECT status <> 'canceled' FROM appointments WHERE appointment_id = :appointment_id)
  error: The appointment is canceled.
- holds: >-
    (SELECT needs_referral FROM appointments JOIN slots USING (slot_id) JOIN doctors USING (doctor_id)
    WHERE appointment_id = :appointment_id)
  error: This doctor sees patients without a referral.
- holds: >-
    NOT EXISTS (SELECT 1 FROM appointments JOIN slots USING (slot_id) JOIN doctors USING (doctor_id)
    JOIN referrals USING (patient_id, specialty)
    WHERE appointment_id = :appointment_id AND valid_until >= day)
  error: The patient has a referral that is still valid.
*/
INSERT INTO referrals (referral_id, patient_id, specialty, urgency, valid_until)
SELECT (SELECT COALESCE(MAX(referral_id), 1000) + 1 FROM referrals), patient_id, specialty,
       COALESCE(:urgency, 'routine'), date(day, '+30 days')
FROM appointments JOIN slots USING (slot_id) JOIN doctors USING (doctor_id)
WHERE appointment_id = :appointment_id;
SELECT referral_id, specialty, urgency, valid_until FROM referrals WHERE referral_id = last_insert_rowid();
