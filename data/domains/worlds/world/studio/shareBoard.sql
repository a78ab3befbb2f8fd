/*
effect: write
takes: {boardId: board, clientId: client}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM boards WHERE board_id = :boardId)
  error: There is no board with this id.
- holds: EXISTS (SELECT 1 FROM clients WHERE client_id = :clientId)
  error: There is no client with this id.
- holds: EXISTS (SELECT 1 FROM pins WHERE board_id = :boardId)
  error: The board is empty.
  mended_by: pinToBoard
- holds: (SELECT shared_with IS NOT :clientId FROM boards WHERE board_id = :boardId)
  error: The board is shared with this client already.
*/
UPDATE boards SET shared_with = :clientId WHERE board_id = :boardId;
SELECT board_id AS boardId, title, clients.name AS sharedWith, iif(COALESCE(:canComment, 1), 'true', 'false') AS canComment_json
FROM boards JOIN clients ON client_id = shared_with
WHERE board_id = :boardId;
