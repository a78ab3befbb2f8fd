/*
effect: write
takes: {referral_id: referral}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM referrals WHERE referral_id = :referral_id)
  error: There is no referral with this number.
- holds: (SELECT julianday(valid_until) - julianday(today()) <= 150 FROM referrals WHERE referral_id = :referral_id)
  error: The referral is valid for more than 150 days already.
*/
UPDATE referrals
SET valid_until = date(valid_until, '+' || COALESCE(:days, 30) || ' days')
WHERE referral_id = :referral_id;
SELECT referral_id, specialty, valid_until FROM referrals WHERE referral_id = :referral_id;
