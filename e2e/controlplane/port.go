package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// port is a loopback port held for one instance over restarts of its API server.
//
// A socket that is bound and never listens keeps the port from everyone else,
// while a connection to it is refused, as one to a stopped server should be.
type port struct {
	number   int
	reserved int // the bound socket's descriptor
}

// reservePort reserves the port remembered in path, so that a kubeconfig stays
// good over restarts of the instance, or any free one.
func reservePort(path string) (*port, error) {
	text, _ := os.ReadFile(path) // none the first time: any free port
	remembered, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	p, err := bind(remembered)
	for range 20 { // a killed instance's API server may hold it a moment longer
		if err == nil || remembered == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
		p, err = bind(remembered)
	}
	if err != nil && remembered != 0 {
		p, err = bind(0)
	}
	if err != nil {
		return nil, fmt.Errorf("reserve a loopback port: %w", err)
	}
	return p, os.WriteFile(path, []byte(strconv.Itoa(p.number)), 0o600)
}

// bind binds a loopback port without listening on it; 0 is any free one.
func bind(number int) (*port, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// Two sockets may share an address when both allow it and none of them listens yet.
	err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}})
	}
	var address syscall.Sockaddr
	if err == nil {
		address, err = syscall.Getsockname(fd)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return &port{number: address.(*syscall.SockaddrInet4).Port, reserved: fd}, nil
}

// address is host and port as a URL has them.
func (p *port) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number)) }

// listen returns a listening socket to hand to the API server.
func (p *port) listen() (*os.File, error) {
	listener, err := net.Listen("tcp4", p.address())
	if err != nil {
		return nil, err
	}
	defer listener.Close() // the file is a duplicate: when it is closed too, only the API server holds the socket
	return listener.(*net.TCPListener).File()
}

// release gives the port back.
func (p *port) release() { syscall.Close(p.reserved) }
