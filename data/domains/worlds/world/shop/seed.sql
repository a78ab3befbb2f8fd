WITH named AS (
  SELECT n, name, lower(replace(substr(name, 1, instr(name, ' ') - 1), '-', '')) AS first,
         lower(replace(substr(name, instr(name, ' ') + 1), ' ', '')) AS last
  FROM (SELECT n, word('shop_customer', n) AS name FROM numbers WHERE n < draw('customers', 10, 13))
)
INSERT INTO customers
SELECT n, name,
       CASE draw('mail style' || n, 0, 3) WHEN 0 THEN first || '.' || last WHEN 1 THEN substr(first, 1, 1) || last
            WHEN 2 THEN first || '_' || last ELSE last || '.' || first END || '@' || pick('shop_mail', 'mail' || n),
       day(-draw('joined' || n, 100, 2200)), draw('points' || n, 0, 45) * 20
FROM named;

-- Four of the eight products of each category.
WITH made(category, name, dollars) AS (
  VALUES ('backpacks', 'Alder Daypack', 55), ('backpacks', 'Tarn Commuter', 79), ('backpacks', 'Juniper Rucksack', 98), ('backpacks', 'Ridgeline 45', 139),
         ('backpacks', 'Wayfarer 60', 189), ('backpacks', 'Pocket Heron', 34), ('backpacks', 'Scout Rolltop', 68), ('backpacks', 'Basalt 30', 115),
         ('tents', 'Lumen Dome', 149), ('tents', 'Stormnest Two', 289), ('tents', 'Meadow Cabin', 420), ('tents', 'Featherpeak Solo', 245),
         ('tents', 'Old Oak Tunnel', 360), ('tents', 'Summerfly Four', 199), ('tents', 'Glacier Geodesic', 540), ('tents', 'Quickpitch Trio', 119),
         ('cookware', 'Ember Kettle', 32), ('cookware', 'Nesting Pots', 64), ('cookware', 'Campfire Skillet', 41), ('cookware', 'Copper Billy', 52),
         ('cookware', 'Trail Press', 26), ('cookware', 'Folding Stove', 82), ('cookware', 'Pinecone Mug', 15), ('cookware', 'Bear Spoon', 9),
         ('lamps', 'Firefly Headlamp', 38), ('lamps', 'Beacon Lantern', 49), ('lamps', 'Moth Clip Light', 17), ('lamps', 'Nightjar Torch', 59),
         ('lamps', 'Aurora String Lights', 24), ('lamps', 'Owl Lamp', 45), ('lamps', 'Solar Puck', 12), ('lamps', 'Ranger Spotlight', 88),
         ('jackets', 'Drizzle Shell', 109), ('jackets', 'Northwind Parka', 260), ('jackets', 'Cinder Fleece', 75), ('jackets', 'Gale Windbreaker', 92),
         ('jackets', 'Marmot Down', 219), ('jackets', 'Fjord Anorak', 169), ('jackets', 'Sparrow Vest', 61), ('jackets', 'Peat Softshell', 134),
         ('shoes', 'Switchback Boot', 179), ('shoes', 'Brook Sandal', 58), ('shoes', 'Gravel Runner', 119), ('shoes', 'Moss Loafer', 84),
         ('shoes', 'Summit Crampon Boot', 310), ('shoes', 'Creek Hopper', 71), ('shoes', 'Heather Low', 99), ('shoes', 'Granite Approach', 146)
), ranked AS (
  SELECT *, row_number() OVER (PARTITION BY category ORDER BY draw('carried ' || name, 0, 999999), name) AS rank FROM made
), carried AS (
  SELECT *, row_number() OVER (ORDER BY draw('number of ' || name, 0, 999999), name) - 1 AS position FROM ranked WHERE rank <= 4
)
INSERT INTO products
SELECT draw('product base', 12, 79) * 100 + position * 4 + draw('product' || position, 0, 3), name, category,
       dollars * draw('price' || position, 88, 112) / 100 + CASE draw('cents' || position, 0, 2) WHEN 0 THEN 0.5 WHEN 1 THEN 0.9 ELSE 0.0 END,
       draw('rating' || position, 31, 49) / 10.0,
       CASE WHEN draw('left' || position, 1, 100) <= 12 THEN 0 WHEN draw('left' || position, 1, 100) <= 30 THEN draw('last ones' || position, 2, 3)
            ELSE draw('stock' || position, 5, 40) END
FROM carried;

WITH labels(k, label, share) AS (VALUES (0, 'home', 85), (1, 'work', 50), (2, 'parents', 25)),
kept AS (
  SELECT number, email, k, label, row_number() OVER (ORDER BY number, k) - 1 AS position
  FROM customers, labels
  WHERE draw('has address' || number || label, 1, 100) <= share
)
INSERT INTO addresses
SELECT draw('address base', 3, 40) * 100 + position * 4 + draw('address' || position, 0, 3), email, label,
       draw('house' || position, 1, 180) || ' ' || word('shop_street', position), pick('shop_city', 'city' || position),
       k = (SELECT MIN(k) FROM kept AS other WHERE other.number = kept.number)
FROM kept;

-- A customer's positions are spread, so that no product is in a cart twice.
WITH placed AS (
  SELECT product_id, stock, row_number() OVER (ORDER BY product_id) - 1 AS position FROM products
), few(n) AS MATERIALIZED (
  SELECT n FROM numbers WHERE n < 4
), spread AS MATERIALIZED (
  SELECT number, email, n, (draw('cart start' || number, 0, 23) + n * 5) % 24 AS position
  FROM customers, few
  WHERE draw('has cart' || number, 1, 3) > 1 AND draw('in cart' || number || '-' || n, 1, 100) <= 55
), wanted AS (
  SELECT number, email, product_id, row_number() OVER (ORDER BY number, n) - 1 AS line FROM spread JOIN placed USING (position) WHERE stock > 0
)
INSERT INTO cart_items
SELECT draw('line base', 20, 90) * 10 + line, email, product_id,
       CASE WHEN draw('many' || line, 1, 4) = 1 THEN draw('quantity' || line, 2, 3) ELSE 1 END
FROM wanted;

WITH drafts AS (
  SELECT n, draw('off' || n, 1, 6) * 5 AS off, draw('times' || n, 2, 5) AS times FROM numbers WHERE n < draw('coupons', 8, 10)
)
INSERT INTO coupons
SELECT word('shop_coupon_word', n) || off, off, off * times, day(draw('valid' || n, -25, 50)) FROM drafts;

-- Some carts have a coupon.
WITH ranked AS (
  SELECT code, row_number() OVER (ORDER BY code) - 1 AS place FROM coupons WHERE valid_until >= today()
)
INSERT INTO cart_coupons
SELECT email, code
FROM customers JOIN ranked ON place = draw('coupon of' || number, 0, 15)
WHERE (SELECT SUM(quantity * price) FROM cart_items JOIN products USING (product_id) WHERE cart_items.email = customers.email)
      >= (SELECT min_total FROM coupons WHERE coupons.code = ranked.code);

-- Orders in the order of their days; the later ones have been on their way for less long. Not all customers have any.
WITH drafts AS (
  SELECT n, draw('order of' || n, 0, 8) AS number, draw('bucket' || n, 0, 9) AS bucket
  FROM numbers
  WHERE n < draw('orders', 14, 18)
), aged AS (
  SELECT *, CASE WHEN bucket <= 2 THEN draw('age' || n, 0, 3) WHEN bucket <= 4 THEN draw('age' || n, 3, 8)
                 WHEN bucket <= 8 THEN draw('age' || n, 9, 27) ELSE draw('age' || n, 45, 200) END AS age
  FROM drafts
), numbered AS (
  SELECT *, row_number() OVER (ORDER BY age DESC, n) - 1 AS position FROM aged
)
INSERT INTO orders
SELECT draw('order base', 12, 88) * 100 + position * 5 + draw('order' || position, 0, 4), email, day(-age),
       CASE WHEN draw('shipping' || position, 1, 100) <= 60 THEN 'standard' WHEN draw('shipping' || position, 1, 100) <= 85 THEN 'express'
            ELSE 'overnight' END,
       CASE WHEN draw('canceled' || position, 1, 100) <= 9 THEN 'canceled' WHEN bucket <= 2 THEN 'placed' WHEN bucket <= 4 THEN 'shipped'
            ELSE 'delivered' END,
       COALESCE(street, draw('ship house' || position, 1, 180) || ' ' || pick('shop_street', 'ship' || position)),
       COALESCE(city, pick('shop_city', 'ship city' || position)), 0,
       CASE WHEN bucket > 4 AND draw('canceled' || position, 1, 100) > 9 THEN day(-age + CASE WHEN draw('shipping' || position, 1, 100) <= 60 THEN draw('took' || position, 3, 6)
            WHEN draw('shipping' || position, 1, 100) <= 85 THEN 2 ELSE 1 END) END, NULL,
       CASE WHEN draw('canceled' || position, 1, 100) <= 9 THEN 'changed_mind' END
FROM numbered JOIN customers USING (number) LEFT JOIN addresses USING (email)
WHERE is_default OR is_default IS NULL;

WITH ordered AS (
  SELECT order_id, row_number() OVER (ORDER BY order_id) - 1 AS place FROM orders
), placed AS (
  SELECT product_id, price, row_number() OVER (ORDER BY product_id) - 1 AS position FROM products
), few(n) AS MATERIALIZED (
  SELECT n FROM numbers WHERE n < 3
), spread AS MATERIALIZED (
  SELECT order_id, n, (draw('item start' || place, 0, 23) + n * 7) % 24 AS position FROM ordered, few WHERE n < draw('lines' || place, 1, 3)
), lines AS (
  SELECT order_id, product_id, price, row_number() OVER (ORDER BY order_id, n) - 1 AS line FROM spread JOIN placed USING (position)
)
INSERT INTO order_items
SELECT draw('item base', 30, 90) * 1000 + line * 6 + draw('item' || line, 0, 5), order_id, product_id,
       CASE WHEN draw('pair' || line, 1, 4) = 1 THEN draw('pieces' || line, 2, 3) ELSE 1 END, price
FROM lines;

UPDATE orders
SET total = round((SELECT SUM(quantity * unit_price) FROM order_items WHERE order_items.order_id = orders.order_id)
                  + CASE shipping WHEN 'standard' THEN 4.9 WHEN 'express' THEN 9.9 ELSE 19.9 END, 2);

WITH delivered AS (
  SELECT item_id, quantity, unit_price, delivered_on, row_number() OVER (ORDER BY item_id) - 1 AS place
  FROM order_items JOIN orders USING (order_id)
  WHERE status = 'delivered'
), chosen AS (
  SELECT *, row_number() OVER (ORDER BY item_id) - 1 AS position FROM delivered WHERE draw('returned' || place, 1, 100) <= 45
)
INSERT INTO returns
SELECT draw('return base', 11, 90) * 10 + position * 3 + draw('return' || position, 0, 2), item_id, 1,
       CASE draw('why' || position, 0, 4) WHEN 0 THEN 'damaged' WHEN 1 THEN 'wrong_size' WHEN 2 THEN 'wrong_item' WHEN 3 THEN 'not_as_described'
            ELSE 'changed_mind' END,
       CASE WHEN draw('state' || position, 1, 100) <= 45 THEN 'requested' WHEN draw('state' || position, 1, 100) <= 75 THEN 'received'
            ELSE 'refunded' END,
       min(today(), date(delivered_on, '+' || draw('opened' || position, 1, 9) || ' days')), unit_price,
       CASE WHEN draw('state' || position, 1, 100) > 45 THEN CASE WHEN draw('why' || position, 0, 4) = 0 THEN 'damaged' ELSE 'as_new' END END,
       CASE WHEN draw('state' || position, 1, 100) > 75 THEN 'original_payment' END
FROM chosen;
