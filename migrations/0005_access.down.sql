DROP TABLE audit;
ALTER TABLE settings DROP COLUMN access_version;
DROP TABLE access_keys;
