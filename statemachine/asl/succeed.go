package asl

// Succeed ends its flow with success.
type Succeed struct{ Common }

func decodeSucceed(_ object, c Common) State { return &Succeed{Common: c} }
