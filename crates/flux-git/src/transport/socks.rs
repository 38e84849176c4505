//! A TCP connection, directly or through a SOCKS 5 proxy.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::Failure;
use crate::remote::Proxy;
use crate::secret::Secret;

/// Connects to `host`, which the proxy, if any, looks up.
pub(crate) async fn connect(host: &str, port: u16, proxy: Option<&Proxy>) -> Result<TcpStream, Failure> {
    let unreachable = |err: std::io::Error| Failure::Unreachable { reason: format!("dial tcp {host}:{port}: {err}") };
    let Some(proxy) = proxy else {
        let stream = TcpStream::connect((host, port)).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        return Ok(stream);
    };
    if !matches!(proxy.address.scheme(), "socks5" | "socks5h") {
        let reason = format!("a proxy with scheme {:?} cannot carry SSH: use socks5", proxy.address.scheme());
        return Err(Failure::InvalidTransport { reason });
    }
    let address = (proxy.address.host_str().unwrap_or_default(), proxy.address.port().unwrap_or(1080));
    let failed =
        |err: std::io::Error| Failure::Unreachable { reason: format!("proxy {}:{}: {err}", address.0, address.1) };
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    negotiate(&mut stream, host, port, proxy).await.map_err(failed)?;
    Ok(stream)
}

/// RFC 1928, and RFC 1929 where the proxy has a user.
async fn negotiate(stream: &mut TcpStream, host: &str, port: u16, proxy: &Proxy) -> std::io::Result<()> {
    let refused = |what: &str| std::io::Error::other(what.to_owned());
    let method = if proxy.username.is_some() { 2 } else { 0 };
    stream.write_all(&[5, 1, method]).await?;
    let mut choice = [0; 2];
    stream.read_exact(&mut choice).await?;
    if choice != [5, method] {
        return Err(refused("the proxy does not take our way to log in"));
    }
    if let Some(username) = &proxy.username {
        let password = proxy.password.as_ref().map(Secret::expose).unwrap_or_default();
        let too_long = |_| refused("user name or password is longer than 255 bytes");
        let mut login = vec![1, u8::try_from(username.expose().len()).map_err(too_long)?];
        login.extend_from_slice(username.expose());
        login.push(u8::try_from(password.len()).map_err(too_long)?);
        login.extend_from_slice(password);
        stream.write_all(&login).await?;
        stream.read_exact(&mut choice).await?;
        if choice[1] != 0 {
            return Err(refused("the proxy refused user and password"));
        }
    }
    let length = u8::try_from(host.len()).map_err(|_| refused("the host name is longer than 255 bytes"))?;
    let mut request = vec![5, 1, 0, 3, length];
    request.extend_from_slice(host.as_bytes());
    request.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&request).await?;
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).await?;
    if reply[1] != 0 {
        return Err(refused(&format!("the proxy could not connect (code {})", reply[1])));
    }
    let rest = match reply[3] {
        1 => 4,
        4 => 16,
        _ => usize::from(stream.read_u8().await?),
    };
    let mut bound = vec![0; rest + 2];
    stream.read_exact(&mut bound).await?;
    Ok(())
}
