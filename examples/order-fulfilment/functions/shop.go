package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// memory is what the shop remembers between runs. Money is in cents.
type memory struct {
	Answers  map[string]answer   `json:"answers"` // by function and idempotency key
	Stock    map[string]int      `json:"stock"`   // by article
	Orders   map[string]*dossier `json:"orders"`
	Handover map[string]handover `json:"handover"` // parcels that the carrier has not reported on, by booking
}

// dossier is what the shop knows of one order.
type dossier struct {
	ChargeAttempts int            `json:"charge_attempts"`
	Charges        int            `json:"charges"` // how often the card was charged; 0 or 1, or somebody complains
	Charged        int            `json:"charged"`
	Refunded       int            `json:"refunded"`
	Reserved       map[string]int `json:"reserved,omitempty"`
	Booking        string         `json:"booking,omitempty"`
}

// shop does the steps of orders, one at a time.
type shop struct {
	file string

	mu sync.Mutex
	memory
}

func openShop(file string) (*shop, error) {
	s := &shop{file: file}
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.Stock = map[string]int{"tea": 1_000_000, "cup": 1_000_000, "samovar": 0}
	case err != nil:
		return nil, fmt.Errorf("reading the shop's memory: %w", err)
	default:
		if err := json.Unmarshal(text, &s.memory); err != nil {
			return nil, fmt.Errorf("reading the shop's memory %s: %w; delete the file to begin anew", file, err)
		}
	}
	if s.Answers == nil {
		s.Answers = map[string]answer{}
	}
	if s.Orders == nil {
		s.Orders = map[string]*dossier{}
	}
	if s.Handover == nil {
		s.Handover = map[string]handover{}
	}
	return s, nil
}

// once does a step unless its key was done before, and remembers the answer together with what the step changed, before
// anybody is told. This is the whole recipe for being called at least once and acting once.
func (s *shop) once(key string, step func() answer) (a answer, again bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.Answers[key]; ok {
		return a, true, nil
	}
	a = step()
	s.Answers[key] = a
	return a, false, s.save()
}

// save writes the memory in one piece: a crash leaves the old file or the new one.
func (s *shop) save() error {
	temporary, err := os.CreateTemp(filepath.Dir(s.file), filepath.Base(s.file)+".*")
	if err != nil {
		return fmt.Errorf("saving the shop's memory: %w", err)
	}
	_, err = temporary.Write(encode(s.memory))
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("saving the shop's memory: %w", err)
	}
	if err := os.Rename(temporary.Name(), s.file); err != nil {
		return fmt.Errorf("saving the shop's memory: %w", err)
	}
	return nil
}

func (s *shop) snapshot() json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return encode(map[string]any{"stock": s.Stock, "orders": s.Orders})
}

func (s *shop) order(id string) *dossier {
	d := s.Orders[id]
	if d == nil {
		d = &dossier{}
		s.Orders[id] = d
	}
	return d
}

type payArgs struct {
	Order    string `json:"order"`
	Amount   int    `json:"amount"`
	Card     string `json:"card"`
	Simulate string `json:"simulate"`
}

type payment struct {
	Payment string `json:"payment"`
	Amount  int    `json:"amount"`
}

// pay charges the card. The gateway can be told to fail at the first attempt ("flaky"), always ("down"), or to decline.
func (s *shop) pay(in payArgs) (payment, error) {
	if in.Order == "" || in.Amount <= 0 || len(in.Card) < 4 {
		return payment{}, &fault{http.StatusBadRequest, "Payment.Invalid", "order, a positive amount and a card are needed"}
	}
	d := s.order(in.Order)
	d.ChargeAttempts++
	switch {
	case in.Simulate == "declined":
		return payment{}, &fault{http.StatusPaymentRequired, "Payment.Declined", "the bank declined card " + masked(in.Card)}
	case in.Simulate == "down", in.Simulate == "flaky" && d.ChargeAttempts == 1:
		return payment{}, &fault{http.StatusServiceUnavailable, "Payment.GatewayUnavailable", "the gateway is busy, try again"}
	}
	d.Charges++
	d.Charged += in.Amount
	return payment{"pay-" + in.Order, in.Amount}, nil
}

func masked(card string) string { return "**** " + card[len(card)-4:] }

type orderArgs struct {
	Order string `json:"order"`
}

type refund struct {
	Refunded int `json:"refunded"`
}

// refund gives back what was charged and not yet given back; nothing if there is nothing.
func (s *shop) refund(in orderArgs) (refund, error) {
	d := s.order(in.Order)
	amount := d.Charged - d.Refunded
	d.Refunded = d.Charged
	return refund{amount}, nil
}

type line struct {
	Article  string `json:"article"`
	Quantity int    `json:"quantity"`
	Price    int    `json:"price"`
}

type reserveArgs struct {
	Order string `json:"order"`
	Lines []line `json:"lines"`
}

type reservation struct {
	Reserved map[string]int `json:"reserved"`
}

// reserve takes all articles of an order from the stock, or none.
func (s *shop) reserve(in reserveArgs) (reservation, error) {
	need := map[string]int{}
	for _, l := range in.Lines {
		need[l.Article] += l.Quantity
	}
	for article, n := range need {
		if have := s.Stock[article]; have < n {
			return reservation{}, &fault{
				http.StatusConflict, "Stock.Insufficient",
				fmt.Sprintf("%d of %q are asked for, %d are there", n, article, have),
			}
		}
	}
	for article, n := range need {
		s.Stock[article] -= n
	}
	s.order(in.Order).Reserved = need
	return reservation{need}, nil
}

// release puts back what an order has reserved; nothing if it has reserved nothing.
func (s *shop) release(in orderArgs) (reservation, error) {
	d := s.order(in.Order)
	for article, n := range d.Reserved {
		s.Stock[article] += n
	}
	released := d.Reserved
	d.Reserved = nil
	return reservation{released}, nil
}

type bookArgs struct {
	Order  string `json:"order"`
	Method string `json:"method"`
}

type booking struct {
	Booking string `json:"booking"`
	Method  string `json:"method"`
}

func (s *shop) book(in bookArgs) (booking, error) {
	if in.Method != "carrier" && in.Method != "pickup" {
		return booking{}, &fault{
			http.StatusBadRequest, "Shipping.UnknownMethod",
			fmt.Sprintf("%q is no way to ship; carrier and pickup are", in.Method),
		}
	}
	d := s.order(in.Order)
	d.Booking = in.Method + "-" + in.Order
	return booking{d.Booking, in.Method}, nil
}

type cancelled struct {
	Cancelled string `json:"cancelled,omitempty"`
}

// cancel cancels the booking of an order, if it has one.
func (s *shop) cancel(in orderArgs) (cancelled, error) {
	d := s.order(in.Order)
	was := d.Booking
	d.Booking = ""
	delete(s.Handover, was)
	return cancelled{was}, nil
}
