/*
takes: {patient_id: patient}
gives: {referral_id: referral}
returns: referrals
requires:
- holds: EXISTS (SELECT 1 FROM patients WHERE patient_id = :patient_id)
  error: There is no patient with this number.
*/
SELECT referral_id, specialty, urgency, valid_until
FROM referrals
WHERE patient_id = :patient_id
ORDER BY valid_until, referral_id
LIMIT 20;
