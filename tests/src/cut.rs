//! A wire between client and stack that can be cut: a proxy on loopback, bytes in, the same bytes out.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// A wire. Dropping it cuts it for good.
pub struct Wire {
    /// Where it begins.
    pub url: String,
    whole: Arc<watch::Sender<bool>>,
}

impl Wire {
    /// A wire to a stack's address.
    pub async fn to(stack: &str) -> Self {
        let stack: SocketAddr = stack.trim_start_matches("http://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, whole) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Nobody answers while it is cut.
                if *whole.borrow() {
                    tokio::spawn(connection(client, stack, whole.clone()));
                }
            }
        });
        Self { url, whole: Arc::new(sender) }
    }

    /// Cuts it: what is under way gets nowhere, and neither side is told.
    pub fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// Mends it: the connections of before are broken, new ones get through.
    pub fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn connection(client: TcpStream, stack: SocketAddr, mut whole: watch::Receiver<bool>) {
    let Ok(stack) = TcpStream::connect(stack).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_stack, to_stack) = stack.into_split();
    let ways = async { tokio::join!(carry(from_client, to_stack), carry(from_stack, to_client)) };
    tokio::pin!(ways);
    let cut = tokio::select! {
        _ = &mut ways => return,
        cut = whole.wait_for(|whole| !*whole) => cut.is_ok(),
    };
    if cut {
        // Held, and carried no further, until it is mended; then both ends learn that the other is gone.
        whole.wait_for(|whole| *whole).await.ok();
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
