-- The table of orders: a row for each thing that happened to an order. Run it in the dataset:
--   bq query --use_legacy_sql=false --dataset_id=PROJECT:DATASET < infra/bigquery/orders.sql
CREATE TABLE IF NOT EXISTS `cloudmart-orders` (
  id STRING NOT NULL,
  userEmail STRING,
  status STRING,
  createdAt TIMESTAMP,
  updatedAt TIMESTAMP,
  eventType STRING,
  totalAmount FLOAT64,
  items STRING
)
PARTITION BY DATE(createdAt)
CLUSTER BY status, userEmail;
