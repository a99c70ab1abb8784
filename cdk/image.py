"""Container images built in the cloud: a repository, a build project and the recorded digest.

A laptop needs no Docker: the sources that an image is made of travel as an asset, CodeBuild
builds them under a tag that is their hash, and writes the digest into a parameter.
"""

from functools import cache

from aws_cdk import Aws, RemovalPolicy, Stack, Tags
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from cdk.function import log_group
from cdk.naming import arn
from cdk.parameters import publish
from cdk.policies import KEY_USE, Allow, grant, service_role
from cdk.sources import BUILD, contents, files_below, settle, source_hash, temporary_folder, write
from configs.contracts.names import PRODUCT, Parameter
from configs.contracts.stages import Image
from configs.settings.environment import EnvironmentSettings

UNBUILT = "unbuilt"
"""Value of the digest parameter until the first build; no run begins with it."""
TAG_DIGITS = 40
FOLDER_TAG = f"{PRODUCT}:image"
BUILD_MINUTES = 60
BUILDSPEC = """version: 0.2
phases:
  pre_build:
    commands:
      - aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"
  build:
    commands:
      - >-
        aws ecr describe-images --repository-name "$REPOSITORY" --image-ids imageTag="$TAG"
        || (docker build --file "containers/$IMAGE/Dockerfile" --tag "$REGISTRY/$REPOSITORY:$TAG" .
        && docker push "$REGISTRY/$REPOSITORY:$TAG")
  post_build:
    commands:
      - >-
        DIGEST=$(aws ecr describe-images --repository-name "$REPOSITORY"
        --image-ids imageTag="$TAG" --query "imageDetails[0].imageDigest" --output text)
      - aws ssm put-parameter --name "$PARAMETER" --type String --overwrite --value "$TAG@$DIGEST"
"""


def image_sources(image: Image) -> dict[str, bytes]:
    """Return the files that an image is made of: path below the checkout -> bytes."""
    return contents(
        [
            *files_below(f"containers/{image}", "*"),
            *files_below("training_jobs"),
            *files_below("configs"),
        ]
    )


@cache
def image_hash(image: Image) -> str:
    """Return the hash of an image's sources."""
    return source_hash(image_sources(image))


def image_tag(image: Image) -> str:
    """Return the immutable tag of an image made of the present sources."""
    return image_hash(image)[:TAG_DIGITS]


class CloudImage(Construct):
    """One image: repository with immutable tags, build project, parameters."""

    def __init__(
        self, scope: Construct, image: Image, settings: EnvironmentSettings, *, key: kms.IKey
    ) -> None:
        super().__init__(scope, f"Image{image.value.capitalize()}")
        destroy = settings.removal == "destroy"
        self.repository = ecr.Repository(
            self,
            "Repository",
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=key,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            lifecycle_rules=[ecr.LifecycleRule(max_image_count=10)],
            empty_on_delete=destroy,
            removal_policy=RemovalPolicy.DESTROY if destroy else RemovalPolicy.RETAIN,
        )
        Tags.of(self.repository).add(FOLDER_TAG, image.value)
        # Offline there is no registry: the sources themselves are what runs.
        offline = f"{image_tag(image)}@sha256:{image_hash(image)}"
        built = UNBUILT if settings.billed else offline
        publish(self, settings.name, Parameter.IMAGE_DIGEST, built, image.value)
        project = self._project(image, settings, key=key)
        publish(self, settings.name, Parameter.BUILD_PROJECT, project.ref, image.value)

    def _asset(self, image: Image) -> assets.Asset:
        final = BUILD / "images" / f"{image}-{image_tag(image)}"
        if not final.is_dir():
            temporary = temporary_folder(final)
            write(image_sources(image), temporary)
            settle(temporary, final)
        return assets.Asset(self, "Sources", path=str(final), asset_hash=image_hash(image))

    def _project(
        self, image: Image, settings: EnvironmentSettings, *, key: kms.IKey
    ) -> codebuild.CfnProject:
        source = self._asset(image)
        parameter = Parameter.IMAGE_DIGEST.path(settings.name, image.value)
        logs = log_group(self, "BuildLogs", settings, key=key)
        role = service_role(self, "BuildRole", "codebuild.amazonaws.com", f"Builds image {image}")
        policy = grant(
            self,
            "BuildPolicy",
            role,
            [
                Allow(
                    (
                        "ecr:BatchCheckLayerAvailability",
                        "ecr:BatchGetImage",
                        "ecr:CompleteLayerUpload",
                        "ecr:DescribeImages",
                        "ecr:InitiateLayerUpload",
                        "ecr:PutImage",
                        "ecr:UploadLayerPart",
                    ),
                    (self.repository.repository_arn,),
                ),
                Allow(
                    ("ecr:GetAuthorizationToken",),
                    ("*",),
                    reason="a registry token belongs to no repository",
                ),
                Allow(
                    ("s3:GetObject",),
                    (f"{source.bucket.bucket_arn}/{source.s3_object_key}",),
                ),
                Allow(("ssm:PutParameter",), (arn("ssm", f"parameter{parameter}"),)),
                Allow(KEY_USE, (key.key_arn,)),
                Allow(("logs:CreateLogStream", "logs:PutLogEvents"), (logs.log_group_arn,)),
            ],
        )
        variable = codebuild.CfnProject.EnvironmentVariableProperty
        values = {
            "IMAGE": image.value,
            "TAG": image_tag(image),
            "REPOSITORY": self.repository.repository_name,
            "REGISTRY": f"{Aws.ACCOUNT_ID}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}",
            "PARAMETER": parameter,
        }
        project = codebuild.CfnProject(
            self,
            "Build",
            description=f"Builds image {image} of {Stack.of(self).stack_name}",
            service_role=role.role_arn,
            encryption_key=key.key_arn,
            timeout_in_minutes=BUILD_MINUTES,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            source=codebuild.CfnProject.SourceProperty(
                type="S3",
                location=f"{source.s3_bucket_name}/{source.s3_object_key}",
                build_spec=BUILDSPEC,
            ),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_LARGE",
                image="aws/codebuild/standard:7.0",
                # Building a container image needs Docker inside.
                privileged_mode=True,
                environment_variables=[variable(name=k, value=v) for k, v in values.items()],
            ),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=logs.log_group_name
                )
            ),
        )
        project.node.add_dependency(policy)
        return project
