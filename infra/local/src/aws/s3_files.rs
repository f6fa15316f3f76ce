//! The buckets' files: the file system behind S3, with reads of its own, and no classes of storage.
//!
//! `s3s-fs` reads objects in pieces of 4 KiB, each by another thread: a recording would spend most of its time there.

use std::{
    io::SeekFrom,
    path::{Path, PathBuf},
};

use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CopyObjectInput, CopyObjectOutput, CreateBucketInput, CreateBucketOutput,
        CreateMultipartUploadInput, CreateMultipartUploadOutput, DeleteBucketInput, DeleteBucketOutput,
        DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, GetBucketLocationInput,
        GetBucketLocationOutput, GetObjectInput, GetObjectOutput, HeadBucketInput, HeadBucketOutput, HeadObjectInput,
        HeadObjectOutput, ListBucketsInput, ListBucketsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
        ListObjectsV2Output, ListPartsInput, ListPartsOutput, PutObjectInput, PutObjectOutput, Range, StreamingBlob,
        UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use s3s_fs::FileSystem;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

/// Bytes of one read.
const PIECE: usize = 1 << 20;

/// Files in a directory, with a directory in it for each bucket.
pub(super) struct Files {
    root: PathBuf,
    inner: FileSystem,
}

impl Files {
    /// Serves a directory that exists.
    pub(super) fn new(root: &Path) -> Result<Self, s3s_fs::Error> {
        Ok(Self { root: root.to_owned(), inner: FileSystem::new(root)? })
    }
}

/// Operations of one's own, and those that are handed on as they are.
macro_rules! files {
    ({$($own:item)*} $($name:ident: $input:ty => $output:ty,)*) => {
        #[async_trait::async_trait]
        impl S3 for Files {
            $($own)*
            $(async fn $name(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.inner.$name(request).await
            })*
        }
    };
}

files! {{
    /// All is kept alike, in whatever class it is put.
    async fn put_object(&self, mut request: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        request.input.storage_class = None;
        self.inner.put_object(request).await
    }

    async fn get_object(&self, request: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        let GetObjectInput { bucket, key, range, .. } = &request.input;
        let (path, range) = (self.root.join(bucket).join(key), *range);
        let mut response = self.inner.get_object(request).await?;
        let length = response.output.content_length.and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
        let mut file = tokio::fs::File::open(&path).await.map_err(|error| s3_error!(error, NoSuchKey))?;
        let from = match range {
            None => SeekFrom::Start(0),
            Some(Range::Int { first, .. }) => SeekFrom::Start(first),
            Some(Range::Suffix { .. }) => SeekFrom::End(-i64::try_from(length).unwrap_or(0)),
        };
        file.seek(from).await.map_err(|error| s3_error!(error, InternalError))?;
        let piece = usize::try_from(length).unwrap_or(PIECE).clamp(1, PIECE);
        response.output.body = Some(StreamingBlob::wrap(ReaderStream::with_capacity(file.take(length), piece)));
        Ok(response)
    }}

    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput,
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput,
    copy_object: CopyObjectInput => CopyObjectOutput,
    create_bucket: CreateBucketInput => CreateBucketOutput,
    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput,
    delete_bucket: DeleteBucketInput => DeleteBucketOutput,
    delete_object: DeleteObjectInput => DeleteObjectOutput,
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput,
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput,
    head_bucket: HeadBucketInput => HeadBucketOutput,
    head_object: HeadObjectInput => HeadObjectOutput,
    list_buckets: ListBucketsInput => ListBucketsOutput,
    list_objects: ListObjectsInput => ListObjectsOutput,
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
    list_parts: ListPartsInput => ListPartsOutput,
    upload_part: UploadPartInput => UploadPartOutput,
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput,
}
