/*
effect: write
takes: {invitationId: invitation}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM invitations WHERE invitationId = :invitationId)
  error: There is no invitation with this id.
- holds: (SELECT status = 'scheduled' FROM invitations JOIN meetings USING (meetingId) WHERE invitationId = :invitationId)
  error: The meeting has been called off.
- holds: (SELECT response <> :answer FROM invitations WHERE invitationId = :invitationId)
  error: The invitation has this answer already.
*/
UPDATE invitations SET response = :answer, comment = :comment WHERE invitationId = :invitationId;
SELECT invitationId, title, person, response FROM invitations JOIN meetings USING (meetingId) WHERE invitationId = :invitationId;
