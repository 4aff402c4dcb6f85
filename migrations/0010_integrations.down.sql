DROP TABLE connections;
DROP TABLE child_waits;
