//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sitecast/sitecast/e2e/rig"
)

const nginxConfig = `daemon off;
worker_processes 1;
user root;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events {}
http {
	log_format bytes '$body_bytes_sent';
	access_log %[1]s/access.log bytes;
	sendfile on;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server { listen %[2]s:80; root %[1]s; }
}
`

// curl has every endpoint download the file from nginx by itself.
func curl(ctx context.Context, s *stage) (r result, err error) {
	config := filepath.Join(s.dir, "nginx.conf")
	text := fmt.Sprintf(nginxConfig, s.dir, s.lab.Origin.IP())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return result{}, err
	}
	nginx := s.lab.Origin.Command(ctx, "nginx", "-c", config, "-e", filepath.Join(s.dir, "error.log"))
	if err := nginx.Start(); err != nil {
		return result{}, err
	}
	defer func() {
		_ = nginx.Process.Signal(syscall.SIGTERM)
		if werr := nginx.Wait(); err == nil && werr != nil {
			err = fmt.Errorf("nginx: %w", werr)
		}
		r.cpu += nginx.ProcessState.UserTime() + nginx.ProcessState.SystemTime()
	}()
	if err := rig.Wait(ctx, "nginx", func() bool { _, err := os.Stat(filepath.Join(s.dir, "nginx.pid")); return err == nil }); err != nil {
		return result{}, err
	}
	before, err := s.received()
	if err != nil {
		return result{}, err
	}
	url := "http://" + s.lab.Origin.IP().String() + "/" + filepath.Base(s.file)
	start := time.Now()
	var curls []*exec.Cmd
	for i, host := range s.site.Endpoints {
		c := host.Command(ctx, "curl", "-sSf", "-o", s.copyOf(i), url)
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			return result{}, err
		}
		curls = append(curls, c)
	}
	for _, c := range curls {
		err = errors.Join(err, c.Wait())
		r.cpu += c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	r.took = time.Since(start)
	after, werr := s.received()
	r.wan = after - before
	for i := range s.site.Endpoints {
		err = errors.Join(err, rig.Check(s.copyOf(i), s.sum))
	}
	if err = errors.Join(err, werr); err != nil {
		return result{}, err
	}
	r.payload, err = sumLines(filepath.Join(s.dir, "access.log"))
	return r, err
}

// copyOf is where the i-th endpoint puts the file.
func (s *stage) copyOf(i int) string { return filepath.Join(s.dir, fmt.Sprintf("copy-%d", i)) }

// sumLines adds up a file of numbers.
func sumLines(path string) (sum int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		n, err := strconv.ParseInt(strings.TrimSpace(lines.Text()), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, lines.Err()
}
