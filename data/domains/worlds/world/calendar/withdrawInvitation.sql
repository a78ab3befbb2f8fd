/*
effect: write
takes: {invitationId: invitation}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM invitations WHERE invitationId = :invitationId)
  error: There is no invitation with this id.
*/
DELETE FROM invitations WHERE invitationId = :invitationId;
SELECT :invitationId AS invitationId, 'withdrawn' AS status;
