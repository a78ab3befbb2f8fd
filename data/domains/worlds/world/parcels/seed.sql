INSERT INTO customers
SELECT draw('customer base', 11, 89) * 100 + n * 6 + draw('customer' || n, 0, 5),
       word('parcels_customer', n),
       lower(replace(word('parcels_customer', n), ' ', '.')) || '@' || pick('parcels_mail_host', 'host' || n)
FROM numbers
WHERE n < draw('customers', 9, 12);

-- Three cities with one to three depots each.
INSERT INTO depots
SELECT draw('depot base', 20, 80) * 10 + row_number() OVER (ORDER BY place.n, numbers.n) * 3 + draw('depot' || place.n || numbers.n, 0, 2),
       word('parcels_depot', place.n * 3 + numbers.n),
       word('parcels_city', place.n),
       printf('%02d:00', 16 + (draw('closes' || place.n, 0, 5) + numbers.n * 2) % 6),
       max(0, draw('lockers' || place.n || numbers.n, -2, 14))
FROM numbers AS place JOIN numbers ON numbers.n < draw('depots in' || place.n, 1, 3)
WHERE place.n < 3;

WITH ranked AS (
  SELECT depot_id, row_number() OVER (ORDER BY depot_id) - 1 AS place FROM depots
), staffed AS (
  SELECT depot_id, n, row_number() OVER (ORDER BY place, n) - 1 AS position
  FROM ranked JOIN numbers ON n < draw('couriers of' || place, 1, 3)
)
INSERT INTO couriers
SELECT draw('courier base', 30, 90) * 10 + position * 4 + draw('courier' || position, 0, 3),
       word('parcels_courier', position), depot_id,
       CASE draw('vehicle' || position, 0, 2) WHEN 0 THEN 'van' WHEN 1 THEN 'cargo_bike' ELSE 'truck' END,
       n = 0 OR draw('duty' || position, 1, 10) <= 4, draw('load' || position, 4, 34)
FROM staffed;

WITH ranked AS (
  SELECT customer_id, row_number() OVER (ORDER BY customer_id) - 1 AS place FROM customers
), sites AS (
  SELECT depot_id, row_number() OVER (ORDER BY depot_id) - 1 AS place, COUNT(*) OVER () AS total FROM depots
), drafts AS (
  SELECT n, draw('weight' || n, 2, 180) / 10.0 AS weight_kg,
         CASE draw('service' || n, 0, 5) WHEN 0 THEN 'same_day' WHEN 1 THEN 'express' WHEN 2 THEN 'express' ELSE 'standard' END AS service,
         draw('status' || n, 1, 100) AS luck
  FROM numbers
  WHERE n < draw('shipments', 33, 39)
)
INSERT INTO shipments
SELECT 'PX' || (draw('parcel base', 10, 95) * 10000 + n * 137 + draw('parcel' || n, 0, 136)),
       customer_id, word('parcels_recipient', n), pick('parcels_town', 'town' || n), weight_kg, service,
       round(CASE service WHEN 'standard' THEN 4.9 WHEN 'express' THEN 9.9 ELSE 16.9 END + 0.8 * weight_kg, 2),
       CASE WHEN draw('insured' || n, 1, 10) <= 6 THEN 50 * draw('insured for' || n, 1, 24) ELSE 0 END,
       luck > 45 OR draw('label' || n, 1, 10) <= 5,
       CASE WHEN luck <= 45 THEN 'registered' WHEN luck <= 72 THEN 'at_depot'
            WHEN luck <= 85 THEN 'out_for_delivery' ELSE 'delivered' END,
       CASE WHEN luck > 45 THEN depot_id END,
       CASE WHEN luck > 72 THEN (SELECT MIN(courier_id) FROM couriers WHERE couriers.depot_id = sites.depot_id) END,
       CASE WHEN luck > 85 THEN day(-draw('delivered' || n, 1, 20)) WHEN luck > 72 THEN today() 
            ELSE day(CASE service WHEN 'same_day' THEN 1 WHEN 'express' THEN draw('deliver' || n, 1, 3) ELSE draw('deliver' || n, 2, 7) END) END,
       CASE draw('window' || n, 0, 2) WHEN 0 THEN 'morning' WHEN 1 THEN 'afternoon' ELSE 'evening' END,
       NULL
FROM drafts
JOIN ranked ON ranked.place = draw('sent by' || n, 0, 8)
JOIN sites ON sites.place = draw('held at' || n, 0, 99) % total;

INSERT INTO scans (tracking_number, day, what)
SELECT tracking_number, min(today(), date(deliver_on, '-' || (1 + draw('scanned' || tracking_number, 0, 2)) || ' days')), 'arrived at ' || name
FROM shipments JOIN depots USING (depot_id)
ORDER BY tracking_number;

INSERT INTO scans (tracking_number, day, what)
SELECT tracking_number, deliver_on, CASE status WHEN 'delivered' THEN 'delivered' ELSE 'out for delivery' END
FROM shipments
WHERE status IN ('delivered', 'out_for_delivery')
ORDER BY tracking_number;

WITH ready AS (
  SELECT tracking_number, row_number() OVER (ORDER BY tracking_number) - 1 AS position
  FROM shipments
  WHERE status = 'registered' AND has_label = 1
)
INSERT INTO pickups
SELECT draw('pickup base', 10, 90) * 100 + position * 9 + draw('pickup' || position, 0, 8), tracking_number,
       day(1 + draw('pickup day' || position, 0, 5)),
       CASE draw('pickup window' || position, 0, 2) WHEN 0 THEN 'morning' WHEN 1 THEN 'afternoon' ELSE 'evening' END, 0
FROM ready
WHERE draw('has pickup' || position, 1, 10) <= 7;

WITH insured AS (
  SELECT tracking_number, insured_for, row_number() OVER (ORDER BY tracking_number) - 1 AS position
  FROM shipments
  WHERE insured_for > 0 AND status IN ('at_depot', 'out_for_delivery', 'delivered')
), drafts AS (
  SELECT *, CASE draw('claim kind' || position, 0, 2) WHEN 0 THEN 'damage' WHEN 1 THEN 'missing_items' ELSE 'delay' END AS kind
  FROM insured
)
INSERT INTO claims
SELECT draw('claim base', 10, 90) * 100 + position * 8 + draw('claim' || position, 0, 7), tracking_number, kind,
       insured_for * CASE kind WHEN 'damage' THEN 0.5 WHEN 'missing_items' THEN 0.3 ELSE 0.1 END,
       CASE WHEN draw('claim status' || position, 1, 10) <= 7 THEN 'draft' ELSE 'submitted' END,
       day(-draw('claimed' || position, 0, 9))
FROM drafts
WHERE draw('has claim' || position, 1, 10) <= 6;

INSERT INTO evidence (claim_id, kind)
SELECT claim_id, CASE draw('evidence' || claim_id, 0, 2) WHEN 0 THEN 'photo' WHEN 1 THEN 'receipt' ELSE 'statement' END
FROM claims
WHERE status = 'submitted' OR draw('has evidence' || claim_id, 1, 3) = 1
ORDER BY claim_id;
