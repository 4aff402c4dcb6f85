DROP TABLE notifications;
DROP TABLE approval_notices;
DROP TABLE approvals;
