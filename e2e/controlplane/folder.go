package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	lockFile = "lock" // held by the supervisor as long as it lives
	// removeFile marks a data directory that is to go with its supervisor. It is
	// written under the lock, so one with the mark and without a holder of the
	// lock is what a killed supervisor left.
	removeFile = "controlplane-remove"
)

// errHeld says that another instance runs on a directory.
var errHeld = errors.New("another instance is running")

// openFolder makes the data directory and holds it for this process. With
// remove it is deleted by the returned function, and what killed supervisors
// left beside it is deleted now.
func openFolder(dir string, remove bool) (closeFolder func(), err error) {
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o700); err != nil {
		return nil, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	if !remove {
		return unlock, nil
	}
	if err := os.WriteFile(filepath.Join(dir, removeFile), nil, 0o600); err != nil {
		unlock()
		return nil, err
	}
	sweep(filepath.Dir(dir), filepath.Base(dir))
	return func() {
		defer unlock()
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "controlplane:", err)
		}
	}, nil
}

// sweep deletes the marked data directories in parent that no supervisor holds, but not own.
// It does what it can: a directory of another user stays.
func sweep(parent, own string) {
	marks, _ := filepath.Glob(filepath.Join(parent, "*", removeFile))
	for _, mark := range marks {
		dir := filepath.Dir(mark)
		if filepath.Base(dir) == own {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, lockFile)); err != nil {
			continue // never a data directory, or one that is being removed
		}
		if unlock, err := lock(dir); err == nil {
			os.RemoveAll(dir)
			unlock()
		}
	}
}

// lock holds dir for this process; a second instance on the same directory fails with errHeld.
func lock(dir string) (unlock func(), err error) {
	path := filepath.Join(dir, lockFile)
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", dir, errHeld)
	}
	// A sweep may have deleted the file between its opening and its locking.
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		file.Close()
		return nil, fmt.Errorf("%s: removed meanwhile", dir)
	}
	return func() { file.Close() }, nil
}
