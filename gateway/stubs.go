package gateway

import "errors"

func (q *request) propfind() error   { return errors.ErrUnsupported }
func (q *request) proppatch() error  { return errors.ErrUnsupported }
func (q *request) report() error     { return errors.ErrUnsupported }
func (q *request) mkcalendar() error { return errors.ErrUnsupported }
