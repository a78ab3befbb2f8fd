/*
effect: write
takes: {clientId: client, exportId: export}
returns: row
requires:
- holds: EXISTS (SELECT 1 FROM clients WHERE client_id = :clientId)
  error: There is no client with this id.
- holds: EXISTS (SELECT 1 FROM exports WHERE export_id = :exportId)
  error: There is no export with this id.
- holds: (SELECT sent_to IS NOT :clientId FROM exports WHERE export_id = :exportId)
  error: The client has this export already.
*/
UPDATE exports SET sent_to = :clientId WHERE export_id = :exportId;
SELECT export_id AS exportId, lower(asset_id) || '.' || format AS file, clients.name AS client, contact
FROM exports JOIN clients ON client_id = sent_to
WHERE export_id = :exportId;
